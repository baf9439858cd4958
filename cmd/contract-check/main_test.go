package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const small = `openapi: 3.0.3
info: {title: t, version: "1"}
paths:
  /a:
    get:
      operationId: getA
      responses:
        "200":
          description: a
          content:
            application/json:
              schema: {type: string, SCHEMA}
`

func TestRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, keyword string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(strings.Replace(small, "SCHEMA", keyword, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, keyword, format := write("good.yaml", "minLength: 1"), write("keyword.yaml", "minLenght: 1"), write("format.yaml", "format: postcode")
	for _, test := range []struct {
		name  string
		files []string
		exit  int
		says  []string
	}{
		{"a contract that is supported", []string{good}, 0, nil},
		{"every refusal of every file", []string{keyword, good, format}, 1, []string{keyword + ":", "minLenght", format + ":12: ", "postcode"}},
		{"a file that is not there", []string{filepath.Join(dir, "none.yaml")}, 1, []string{"none.yaml"}},
		{"no file", nil, 2, []string{"usage"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			if exit := run(test.files, &out); exit != test.exit {
				t.Errorf("exit %d, want %d: %s", exit, test.exit, &out)
			}
			for _, text := range test.says {
				if !strings.Contains(out.String(), text) {
					t.Errorf("does not say %q: %s", text, &out)
				}
			}
			if test.says == nil && out.Len() > 0 {
				t.Errorf("says %s", &out)
			}
		})
	}
}
