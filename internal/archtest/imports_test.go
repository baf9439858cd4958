package archtest_test

import (
	"slices"
	"strings"
	"testing"
)

// allowed lists, for a directory prefix, which of the module's own packages its production code may import; the longest
// prefix that matches counts. <sys> stands for the system's own name.
var allowed = map[string][]string{
	"cmd":               {"internal", "gen", "migrations", "spec"},
	"gen":               {"internal/contract", "internal/realtime"},
	"spec":              {},
	"migrations":        {},
	"internal/contract": {"internal/contract"},
	"internal/asyncapi": {"internal/asyncapi", "internal/contract", "internal/realtime"},
	"internal/realtime": {"internal/realtime"},
	"internal/platform": {"internal/platform", "internal/contract", "internal/realtime", "gen/platform", "migrations"},
	"internal/portal":   {"internal/portal", "internal/platform", "internal/contract"},
	"internal/testkit":  {"internal", "gen", "migrations", "spec"},
	"internal/archtest": {},
	"internal/<sys>":    {"internal/<sys>", "gen/<sys>", "internal/contract", "internal/realtime", "internal/platform", "spec"},
	"internal/bench":    {"internal", "gen", "migrations", "spec"},
}

func TestImports(t *testing.T) {
	t.Parallel()
	names := systems(t)
	for _, file := range goFiles(t) {
		if file.test {
			continue
		}
		key, system := rule(file.dir, names)
		if key == "" {
			if file.dir != "." {
				t.Errorf("%s: no import rule covers this directory", file.path)
			}
			continue
		}
		for _, name := range file.imports {
			inner, ok := strings.CutPrefix(name, module)
			if !ok {
				continue
			}
			if !slices.ContainsFunc(allowed[key], func(prefix string) bool {
				return within(inner, strings.ReplaceAll(prefix, "<sys>", system))
			}) {
				t.Errorf("%s imports %s, which %s may not", file.path, inner, key)
			}
		}
	}
}

// rule finds the entry of allowed for a directory, and the system it belongs to.
func rule(dir string, names []string) (key, system string) {
	for _, name := range names {
		if within(dir, "internal/"+name) {
			return "internal/<sys>", name
		}
	}
	for prefix := range allowed {
		if within(dir, prefix) && len(prefix) > len(key) {
			key = prefix
		}
	}
	return key, ""
}

func within(path, prefix string) bool {
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

// TestTestkitStaysInTests: production code that imported the testkit would ship it.
func TestTestkitStaysInTests(t *testing.T) {
	t.Parallel()
	for _, file := range goFiles(t) {
		if file.test || within(file.dir, "internal/testkit") {
			continue
		}
		if slices.ContainsFunc(file.imports, func(name string) bool { return within(name, module+"internal/testkit") }) {
			t.Errorf("%s imports the testkit", file.path)
		}
	}
}
