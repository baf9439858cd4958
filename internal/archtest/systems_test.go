package archtest_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v3"

	"github.com/guichet-api/guichet/internal/testkit"
)

// TestSystemsAreComplete: whoever has read one system has read all, because every system has the same places.
func TestSystemsAreComplete(t *testing.T) {
	t.Parallel()
	for _, system := range systems(t) {
		places := []string{
			"spec/" + system + "/openapi.yaml",
			"spec/" + system + "/vectors/*.txtar",
			"gen/" + system + "/api/*.go",
			"gen/" + system + "/client/*.go",
			"gen/" + system + "/db/*.go",
			"gen/typescript/" + system + "/index.ts",
			"queries/" + system + "/*.sql",
			"migrations/" + system + "/*.sql",
			"internal/" + system + "/doc.go",
			"internal/" + system + "/" + system + ".go",
			"internal/" + system + "/errors.go",
			"internal/" + system + "/convert.go",
		}
		if _, err := os.Stat(filepath.Join(root, "spec", system, "asyncapi.yaml")); err == nil {
			places = append(places, "internal/"+system+"/live.go", "gen/"+system+"/events/*.go", "gen/typescript/"+system+"/events.ts")
		}
		for _, tag := range servedTags(contractOf(t, system)) {
			places = append(places, "internal/"+system+"/"+tag+".go")
		}
		for _, place := range places {
			if found, _ := filepath.Glob(filepath.Join(root, place)); len(found) == 0 {
				t.Errorf("%s: %s is missing", system, place)
			}
		}
	}
}

// TestOperationsHaveVectors: what a contract lists, a vector shows: every operation's example and each of its answers.
func TestOperationsHaveVectors(t *testing.T) {
	t.Parallel()
	for _, system := range systems(t) {
		document, err := testkit.LoadSpec(read(t, "spec/"+system+"/openapi.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		vectors, err := testkit.ReadVectors(os.DirFS(root), "spec/"+system+"/vectors")
		if err != nil {
			t.Fatal(err)
		}
		coverage := document.Coverage(vectors)
		t.Logf("%s: how many vectors show each answer:\n%s", system, coverage)
		for _, gap := range coverage.Gaps() {
			t.Errorf("%s: %s", system, gap)
		}
	}
}

// TestSystemsKeepSQLInQueries: a statement in Go is one that sqlc does not check.
func TestSystemsKeepSQLInQueries(t *testing.T) {
	t.Parallel()
	words := []string{"SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM "}
	for _, file := range goFiles(t) {
		if file.test || !isSystem(t, file.dir) {
			continue
		}
		for _, word := range words {
			if strings.Contains(string(file.source), `"`+word) || strings.Contains(string(file.source), "`"+word) {
				t.Errorf("%s holds SQL: %s…", file.path, word)
			}
		}
	}
}

// servedTags are the tags of the operations that are not x-planned.
func servedTags(doc *openapi3.T) []string {
	served := map[string]bool{}
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			if op.Extensions["x-planned"] != nil {
				continue
			}
			for _, tag := range op.Tags {
				served[tag] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(served))
}

// TestPlannedOperationsAreNotGenerated: the generators of Go leave out exactly the operations that are x-planned.
func TestPlannedOperationsAreNotGenerated(t *testing.T) {
	t.Parallel()
	configs, _ := filepath.Glob(filepath.Join(root, "spec", "*", "oapi-codegen*.yaml"))
	if len(configs) == 0 {
		t.Fatal("no configuration of oapi-codegen was found")
	}
	for _, name := range configs {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var config struct {
			Options struct {
				Exclude []string `yaml:"exclude-operation-ids"`
			} `yaml:"output-options"`
		}
		if err := yaml.Unmarshal(text, &config); err != nil {
			t.Fatal(err)
		}
		var planned []string
		for _, item := range contractOf(t, filepath.Base(filepath.Dir(name))).Paths.Map() {
			for _, op := range item.Operations() {
				if op.Extensions["x-planned"] != nil {
					planned = append(planned, op.OperationID)
				}
			}
		}
		slices.Sort(planned)
		slices.Sort(config.Options.Exclude)
		if !slices.Equal(planned, config.Options.Exclude) {
			t.Errorf("%s excludes %q, x-planned are %q", name, config.Options.Exclude, planned)
		}
	}
}

func isSystem(t *testing.T, dir string) bool {
	t.Helper()
	for _, system := range systems(t) {
		if within(dir, "internal/"+system) {
			return true
		}
	}
	return false
}

func contractOf(t *testing.T, system string) *openapi3.T {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(root, "spec", system, "openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(source)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}
