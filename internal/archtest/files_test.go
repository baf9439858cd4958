package archtest_test

import (
	"bytes"
	"go/ast"
	"path"
	"slices"
	"strings"
	"testing"
)

const maxLines = 400

func TestFilesAreShort(t *testing.T) {
	t.Parallel()
	walk(t, func(name string) {
		if strings.HasPrefix(name, "gen/") || strings.Contains(name, "/gen/") {
			return
		}
		if ext := path.Ext(name); ext != ".go" && ext != ".ts" && ext != ".mjs" {
			return
		}
		if lines := bytes.Count(read(t, name), []byte("\n")); lines > maxLines {
			t.Errorf("%s has %d lines, more than %d: split it by noun", name, lines, maxLines)
		}
	})
}

func TestPackagesExplainThemselves(t *testing.T) {
	t.Parallel()
	explained := map[string]bool{}
	for _, file := range goFiles(t) {
		if file.test || within(file.dir, "gen") {
			continue
		}
		explained[file.dir] = explained[file.dir] || file.ast.Doc != nil
		if banned := []string{"util", "utils", "common", "service", "repository", "manager", "impl", "helpers"}; slices.Contains(banned, file.ast.Name.Name) {
			t.Errorf("%s: %q says nothing about what the package is for", file.path, file.ast.Name.Name)
		}
	}
	for dir, ok := range explained {
		if !ok {
			t.Errorf("%s: no package comment", dir)
		}
	}
}

func TestGeneratedFilesSaySo(t *testing.T) {
	t.Parallel()
	walk(t, func(name string) {
		if !strings.HasPrefix(name, "gen/") || (path.Ext(name) != ".go" && path.Ext(name) != ".ts") {
			return
		}
		head, _, _ := bytes.Cut(read(t, name), []byte("\nimport"))
		if !bytes.Contains(bytes.ToLower(head), []byte("generated")) {
			t.Errorf("%s: hand-written code has no place in gen/", name)
		}
	})
}

// TestForbiddenCalls: what makes tests slow and flaky, and configuration that nobody can see.
func TestForbiddenCalls(t *testing.T) {
	t.Parallel()
	for _, file := range goFiles(t) {
		if within(file.dir, "gen") {
			continue
		}
		ast.Inspect(file.ast, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.FuncDecl:
				if node.Name.Name == "init" && node.Recv == nil {
					t.Errorf("%s: func init hides what a program does at start", file.path)
				}
			case *ast.CallExpr:
				checkCall(t, file, node)
			}
			return true
		})
	}
}

func checkCall(t *testing.T, file goFile, call *ast.CallExpr) {
	t.Helper()
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return
	}
	pkg, ok := selector.X.(*ast.Ident)
	if !ok {
		return
	}
	switch name := pkg.Name + "." + selector.Sel.Name; name {
	case "time.Sleep":
		// In a bubble of synctest the clock is the test's own.
		if file.test && !slices.Contains(file.imports, "testing/synctest") {
			t.Errorf("%s sleeps: wait for the event", file.path)
		}
	case "os.Getenv", "os.LookupEnv", "os.Environ":
		if !file.test && !within(file.dir, "cmd") && !within(file.dir, "internal/testkit") {
			t.Errorf("%s calls %s: only cmd reads the environment", file.path, name)
		}
	case "os.Exit", "log.Fatal":
		if !file.test && !within(file.dir, "cmd") && !within(file.dir, "internal/testkit") && !within(file.dir, "internal/realtime/socketio/conformance") {
			t.Errorf("%s calls %s: only main ends the process", file.path, name)
		}
	}
}

// TestNoForeignPlaces: nothing in the tree names a registry's host or a path of somebody's machine.
func TestNoForeignPlaces(t *testing.T) {
	t.Parallel()
	forbidden := [][]byte{
		[]byte("registry." + "npmjs.org"), []byte("proxy." + "golang.org"), []byte("/" + "root/"), []byte("/" + "work/"), []byte("/home" + "/"),
	}
	walk(t, func(name string) {
		content := read(t, name)
		if bytes.IndexByte(content, 0) >= 0 {
			return
		}
		for _, word := range forbidden {
			if bytes.Contains(content, word) {
				t.Errorf("%s names %s", name, word)
			}
		}
	})
}
