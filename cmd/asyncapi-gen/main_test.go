package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	golden := "../../internal/asyncapi/testdata"
	for _, c := range []struct {
		name  string
		args  []string
		err   string
		files []string
	}{
		{"both languages", []string{"-go", dir + "/a/events", "-ts", dir + "/a/events.ts", golden + "/minimal/asyncapi.yaml"}, "",
			[]string{"a/events/server.gen.go", "a/events/types.gen.go", "a/events.ts"}},
		{"runtime beside it", []string{"-go", dir + "/b/live", "-runtime", "copy", "-import", "example.org/b/live", golden + "/minimal/asyncapi.yaml"}, "",
			[]string{"b/live/server.gen.go", "b/live/contract/compile.go", "b/live/contract/stdjson/json.go", "b/live/realtime/event.go", "b/live/realtime/dial/dial.go"}},
		{"copy without a name", []string{"-go", dir + "/c", "-runtime", "copy", golden + "/minimal/asyncapi.yaml"}, "-import", nil},
		{"a document that is refused", []string{"-go", dir + "/d", golden + "/refused-names/asyncapi.yaml"}, "refused-names/asyncapi.yaml:48: ", nil},
		{"no document", []string{"-go", dir + "/e"}, "a document", nil},
		{"nothing to write", []string{golden + "/minimal/asyncapi.yaml"}, "-go and -ts", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := run(c.args, &bytes.Buffer{})
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Fatal(err)
			}
			for _, name := range c.files {
				content, err := os.ReadFile(filepath.Join(dir, name))
				if err != nil {
					t.Fatal(err)
				}
				if strings.HasSuffix(name, "server.gen.go") && !bytes.Contains(content, []byte("package "+filepath.Base(filepath.Dir(name))+"\n")) {
					t.Errorf("%s: the package is named after its directory", name)
				}
				if bytes.Contains(content, []byte("guichet/internal")) != strings.HasPrefix(name, "a/events/") {
					t.Errorf("%s imports the wrong runtime", name)
				}
			}
		})
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 4 {
		t.Errorf("%v, %v", entries, err)
	}
}
