package asyncapi_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/asyncapi"
	"github.com/guichet-api/guichet/internal/testkit"
)

var update = flag.Bool("update", false, "rewrite testdata's expectations")

// documents are the directories of testdata, each with an asyncapi.yaml.
func documents(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("testdata/*/asyncapi.yaml")
	if err != nil || len(found) < 15 {
		t.Fatalf("%d documents, %v", len(found), err)
	}
	var names []string
	for _, path := range found {
		names = append(names, filepath.Base(filepath.Dir(path)))
	}
	return names
}

// TestGolden holds what is generated, or refused, against what a person has read and found right.
func TestGolden(t *testing.T) {
	t.Parallel()
	for _, name := range documents(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc, err := asyncapi.Read(os.DirFS("testdata"), name+"/asyncapi.yaml")
			if refused := strings.HasPrefix(name, "refused-"); refused != (err != nil) {
				t.Fatalf("refused: %v", err)
			}
			if err != nil {
				compare(t, name+"/refusals.txt", []byte(err.Error()+"\n"))
				return
			}
			files, err := doc.Go(asyncapi.Options{Package: "events", Runtime: "example.org/runtime"})
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range slices.Sorted(maps.Keys(files)) {
				compare(t, name+"/"+strings.TrimSuffix(file, ".go")+".golden", files[file])
			}
			ts, _, _ := bytes.Cut(doc.TypeScript(), []byte("/** Where and as whom to connect. */")) // the client is the same for all
			compare(t, name+"/events.ts.golden", ts)
		})
	}
}

func compare(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", filepath.FromSlash(name))
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s has changed (go test -run TestGolden -update, then read the difference):\n%s", path, got)
	}
}

// foreign writes the Go of documents into a module that is not this one, with a copy of the runtime, beside each a test
// that its examples survive decoding and encoding, and beside one a test of the client that comes with it.
func foreign(t *testing.T) (dir string, packages, examples int) {
	t.Helper()
	dir = t.TempDir()
	put := func(name string, content []byte) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ours, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	mod := "module example.org/foreign\n\ngo 1.26.0\n\nrequire (\n"
	for line := range strings.SplitSeq(string(ours), "\n") {
		if strings.Contains(line, "go-json-experiment/json ") || strings.Contains(line, "google/uuid ") || strings.Contains(line, "coder/websocket ") {
			mod += line + "\n"
		}
	}
	put("go.mod", []byte(mod+")\n"))
	sums, err := os.ReadFile("../../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	put("go.sum", sums)
	opt := asyncapi.Options{Package: "events", Runtime: "example.org/foreign/runtime"}
	for name, source := range asyncapi.Runtime(opt.Runtime) {
		put("runtime/"+name, source)
	}
	for _, doc := range accepted(t) {
		files, err := doc.Go(opt)
		if err != nil {
			t.Fatal(err)
		}
		test, count := asyncapi.RoundTrips(doc, opt)
		if count > 0 {
			files["examples_test.go"] = []byte(test)
		}
		for file, source := range files {
			put(filepath.Dir(doc.File)+"/events/"+file, source)
		}
		packages++
		examples += count
	}
	client, err := os.ReadFile("testdata/client.go.txt")
	if err != nil {
		t.Fatal(err)
	}
	put("tickets/events/client_test.go", client)
	return dir, packages, examples
}

// accepted are the documents that the generator accepts: those of testdata and the systems' own.
func accepted(t *testing.T) []*asyncapi.Document {
	t.Helper()
	var docs []*asyncapi.Document
	read := func(dir, file string) {
		doc, err := asyncapi.Read(os.DirFS(dir), file)
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, doc)
	}
	for _, name := range documents(t) {
		if !strings.HasPrefix(name, "refused-") {
			read("testdata", name+"/asyncapi.yaml")
		}
	}
	systems, err := filepath.Glob("../../spec/*/asyncapi.yaml")
	if err != nil || len(systems) == 0 {
		t.Fatal("no system has an AsyncAPI document")
	}
	for _, path := range systems {
		read("../../spec", filepath.Base(filepath.Dir(path))+"/asyncapi.yaml")
	}
	return docs
}

// TestForeignModule vets the output of every document outside of this module, and has it read and write every example and
// talk to a server.
func TestForeignModule(t *testing.T) {
	t.Parallel()
	dir, packages, examples := foreign(t)
	for _, verb := range [][]string{{"vet"}, {"test", "-vet=off"}} {
		cmd := exec.Command("go", append(verb, "./...")...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "GOPROXY=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go %v: %v\n%s", verb, err, out)
		}
	}
	t.Logf("%d packages and %d examples in a foreign module", packages, examples)
	if examples < 100 {
		t.Errorf("%d examples are too few", examples)
	}
}

// TestTypeScript compiles every document's TypeScript at the strictest, and has the clients talk to servers.
func TestTypeScript(t *testing.T) {
	t.Parallel()
	tsc, err := filepath.Abs("../../node_modules/typescript/lib/tsc.js")
	if _, missing := os.Stat(tsc); err != nil || missing != nil {
		testkit.Skip(t, "no TypeScript compiler in node_modules (npm ci)")
	}
	dir := t.TempDir()
	args := []string{
		tsc, "--outDir", filepath.Join(dir, "js"), "--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--noUnusedLocals",
		"--noImplicitReturns", "--target", "ES2022", "--module", "NodeNext", "--lib", "ES2022,DOM", "--skipLibCheck",
		filepath.Join(dir, "typed.ts"),
	}
	typed, err := os.ReadFile("testdata/typed.ts")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"package.json": `{"type":"module"}`, "typed.ts": string(typed),
		"meeting-and-unions.ts": "export * from \"./meeting.js\";\nexport type { Loose } from \"./unions.js\";\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Dir(filepath.Dir(filepath.Dir(tsc))), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	for _, doc := range accepted(t) {
		file := filepath.Join(dir, filepath.Dir(doc.File)+".ts")
		if err := os.WriteFile(file, doc.TypeScript(), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
	}
	if out, err := exec.Command("node", args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command("node", "testdata/client.mjs", filepath.Join(dir, "js")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// TestHundredOperations prints how long a large document takes.
func TestHundredOperations(t *testing.T) {
	t.Parallel()
	var channels, operations, messages, schemas strings.Builder
	for i := range 100 {
		fmt.Fprintf(&operations, "  op%d: {action: %s, channel: {$ref: '#/channels/c'}, messages: [{$ref: '#/components/messages/m%d'}]}\n", i, []string{"receive", "send"}[i%2], i)
		fmt.Fprintf(&messages, "    m%d: {payload: {$ref: '#/components/schemas/Schema%d'}}\n", i, i)
		fmt.Fprintf(&schemas, "    Schema%d: {type: object, required: [id, items], properties: {id: {type: string, format: uuid}, items: {type: array, maxItems: 9, items: {$ref: '#/components/schemas/Schema%d'}}, note: {type: [string, 'null'], maxLength: 200}}}\n", i, (i+7)%100)
	}
	channels.WriteString("  c: {address: room}\n")
	source := "asyncapi: 3.0.0\ninfo: {title: large, version: 1.0.0}\nservers:\n  io: {host: localhost, protocol: socketio}\nchannels:\n" +
		channels.String() + "operations:\n" + operations.String() + "components:\n  messages:\n" + messages.String() + "  schemas:\n" + schemas.String()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "asyncapi.yaml"), []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	doc, err := asyncapi.Read(os.DirFS(dir), "asyncapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files, err := doc.Go(asyncapi.Options{Package: "events", Runtime: "example.org/runtime"})
	if err != nil {
		t.Fatal(err)
	}
	ts := doc.TypeScript()
	size := len(ts)
	for _, file := range files {
		size += len(file)
	}
	t.Logf("100 operations: %d kB in %v", size/1000, time.Since(start).Round(time.Millisecond))
	if len(doc.Receives) != 50 || len(doc.Sends) != 50 {
		t.Errorf("%d and %d operations", len(doc.Receives), len(doc.Sends))
	}
}
