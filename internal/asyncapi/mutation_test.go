package asyncapi_test

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"
	"testing/fstest"

	"github.com/guichet-api/guichet/internal/asyncapi"
	"go.yaml.in/yaml/v3"
)

// TestMutations takes every node of every document, puts something else in its place, and reads the result: it is
// refused with a reason, or generates Go that can be formatted.
func TestMutations(t *testing.T) {
	t.Parallel()
	documents, refused := 0, 0
	for _, path := range mutable(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files := fstest.MapFS{}
		beside, _ := filepath.Glob(filepath.Dir(path) + "/*.yaml") // the pattern is well-formed
		for _, name := range beside {
			other, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files[filepath.Base(name)] = &fstest.MapFile{Data: other}
		}
		var root yaml.Node
		if err := yaml.Unmarshal(text, &root); err != nil {
			t.Fatal(err)
		}
		for i, node := range nodes(root.Content[0]) {
			saved := *node
			for j, other := range []yaml.Node{
				{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"},
				{Kind: yaml.ScalarNode, Tag: "!!str", Value: "x"},
				{Kind: yaml.ScalarNode, Tag: "!!int", Value: "-1"},
				{Kind: yaml.MappingNode, Tag: "!!map"},
				{Kind: yaml.SequenceNode, Tag: "!!seq"},
				{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{{Kind: yaml.MappingNode, Tag: "!!map"}}},
			} {
				if (i+j)%3 > 0 { // one in three is enough for every day
					continue
				}
				*node = other
				mutated, err := yaml.Marshal(&root)
				if err != nil {
					t.Fatal(err)
				}
				files["asyncapi.yaml"] = &fstest.MapFile{Data: mutated}
				documents++
				if !survives(t, files, path, string(mutated)) {
					refused++
				}
			}
			*node = saved
		}
	}
	t.Logf("%d mutated documents, %d refused", documents, refused)
	if documents < 1500 || refused < 500 {
		t.Errorf("%d documents, %d refused: too few", documents, refused)
	}
}

// mutable are the small documents that are accepted, one of each sort.
func mutable(t *testing.T) []string {
	t.Helper()
	var paths []string
	for _, name := range []string{"unions", "tuples", "rooms", "durable", "keyvalue", "errors", "objects", "files"} {
		paths = append(paths, filepath.Join("testdata", name, "asyncapi.yaml"))
	}
	return paths
}

// nodes are all values below a node.
func nodes(node *yaml.Node) []*yaml.Node {
	var list []*yaml.Node
	for i, child := range node.Content {
		if node.Kind == yaml.SequenceNode || i%2 == 1 {
			list = append(append(list, child), nodes(child)...)
		}
	}
	return list
}

// survives reports whether the document is accepted, and fails if that is not decided properly.
func survives(t *testing.T, files fstest.MapFS, path, text string) bool {
	t.Helper()
	defer func() {
		if value := recover(); value != nil {
			t.Fatalf("%s: %v\n%s\n%s", path, value, debug.Stack(), text)
		}
	}()
	doc, err := asyncapi.Read(files, "asyncapi.yaml")
	if err != nil {
		return false
	}
	if _, err := doc.Go(asyncapi.Options{Package: "events", Runtime: "example.org/runtime"}); err != nil {
		t.Fatalf("%s: %v\n%s", path, err, text)
	}
	doc.TypeScript()
	return true
}
