package machine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// SearchPath is where the platform looks for runtimes too: never where a user
// may have put a wrapper that costs more than the program.
const SearchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Find returns the absolute path of a program of the system.
func Find(name string) (string, error) {
	for _, directory := range filepath.SplitList(SearchPath) {
		path := filepath.Join(directory, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed", name)
}

// AddPrograms notes the versions of programs, as far as they are installed, and
// that of the checkout.
func (f *Facts) AddPrograms(ctx context.Context, root string, names ...string) {
	for _, name := range names {
		if path, err := Find(name); err == nil {
			f.addVersion(ctx, name, path, "--version")
		}
	}
	f.addVersion(ctx, "commit", "git", "-C", root, "describe", "--always", "--dirty", "--abbrev=12")
}
