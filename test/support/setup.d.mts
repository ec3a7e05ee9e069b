/** Where the packages of a fixture project with a lock file lie, or will lie; undefined for a project without one. */
export function installedModules(name: string): string | undefined;
