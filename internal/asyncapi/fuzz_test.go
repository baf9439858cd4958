package asyncapi_test

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/guichet-api/guichet/internal/asyncapi"
)

// FuzzRead: whatever a document says, it is refused with a reason or it generates Go that can be formatted.
func FuzzRead(f *testing.F) {
	paths, err := filepath.Glob("testdata/*/asyncapi.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	shared := fstest.MapFS{}
	for _, name := range []string{"openapi/openapi.yaml", "files/shared.yaml"} {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		shared[filepath.Base(name)] = &fstest.MapFile{Data: text}
	}
	f.Fuzz(func(t *testing.T, text string) {
		files := fstest.MapFS{"asyncapi.yaml": &fstest.MapFile{Data: []byte(text)}}
		for name, file := range shared {
			files[name] = file
		}
		doc, err := asyncapi.Read(files, "asyncapi.yaml")
		if err != nil {
			if err.Error() == "" {
				t.Error("refused without a reason")
			}
			return
		}
		if _, err := doc.Go(asyncapi.Options{Package: "events", Runtime: "example.org/runtime"}); err != nil {
			t.Error(err)
		}
		doc.TypeScript()
	})
}
