//go:build tools

// Package tools pins the version of the Pulumi CLI that evo builds where no installed one is found.
package tools

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
