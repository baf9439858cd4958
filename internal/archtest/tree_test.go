package archtest_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/guichet-api/guichet/"

// goFile is one hand-written or generated Go file of the tree.
type goFile struct {
	path    string // from the module's root, with slashes
	dir     string
	test    bool
	lines   int
	ast     *ast.File
	imports []string
	source  []byte
}

// root is the module's directory.
const root = "../.."

// walk calls visit for every file below the module's root that belongs to the project.
func walk(t *testing.T, visit func(path string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != root && (name == "node_modules" || name == "bin" || name == ".git") {
			return filepath.SkipDir
		}
		if d.Type().IsRegular() {
			rel, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			visit(filepath.ToSlash(rel))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// read is a file's content; path is from the module's root.
func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// goFiles parses every Go file of the module. The nested module of the benchmarks has rules of its own.
func goFiles(t *testing.T) []goFile {
	t.Helper()
	var files []goFile
	fset := token.NewFileSet()
	walk(t, func(path string) {
		if !strings.HasSuffix(path, ".go") || strings.HasPrefix(path, "internal/bench/") {
			return
		}
		source := read(t, path)
		tree, err := parser.ParseFile(fset, path, source, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		file := goFile{
			path: path, dir: filepath.ToSlash(filepath.Dir(path)), test: strings.HasSuffix(path, "_test.go"),
			lines: bytes.Count(source, []byte("\n")), ast: tree, source: source,
		}
		for _, spec := range tree.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			file.imports = append(file.imports, name)
		}
		files = append(files, file)
	})
	if len(files) == 0 {
		t.Fatal("no Go files found: the tests look in the wrong place")
	}
	return files
}

// announced are the contracts that are published ahead of their servers. Whoever serves one takes it off this list; the tests
// then say what it lacks.
var announced = []string{"meeting"}

// systems are the names below spec/ whose contract is served.
func systems(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(root, "spec"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() && !slices.Contains(announced, entry.Name()) {
			names = append(names, entry.Name())
		}
	}
	if len(names) == 0 {
		t.Fatal("no system found below spec/")
	}
	return names
}
