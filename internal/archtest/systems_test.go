package archtest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

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
		for _, tag := range contractOf(t, system).Tags {
			places = append(places, "internal/"+system+"/"+tag.Name+".go")
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
