package structure

// pure are the packages that must be deterministic by construction: the
// simulator runs them as they are.
var pure = []string{"addr", "core", "dialect", "route", "wire"}

// Pure returns the directories of the pure packages, sorted. It is every package
// in or below those named, but for internal ones that only tests use.
func (t *Tree) Pure() []string {
	var dirs []string
	for _, dir := range t.Packages() {
		if under(dir, pure...) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}
