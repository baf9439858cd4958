// Command asyncapi-gen generates Go and TypeScript from an AsyncAPI 3.0 document; internal/asyncapi says what documents
// may say. Its output needs the packages contract and realtime: those of this module, or with -runtime copy their
// sources, written beside it, so that it builds in any module.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/guichet-api/guichet/internal/asyncapi"
)

func main() {
	if err := run(os.Args[1:], os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
}

// run generates what the arguments ask for.
func run(args []string, stderr io.Writer) error {
	flags := flag.NewFlagSet("asyncapi-gen", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "asyncapi-gen [flags] asyncapi.yaml")
		flags.PrintDefaults()
	}
	goDir := flags.String("go", "", "directory for the Go package, which has its name")
	tsFile := flags.String("ts", "", "file for the TypeScript module")
	runtime := flags.String("runtime", asyncapi.Module+"/internal", "import path of contract and realtime; \"copy\" writes them below the Go package")
	module := flags.String("import", "", "import path of the Go package, with -runtime copy")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 || *goDir == "" && *tsFile == "" {
		flags.Usage()
		return errors.New("asyncapi-gen: a document and at least one of -go and -ts are needed")
	}
	document, err := filepath.Abs(flags.Arg(0))
	if err != nil {
		return err
	}
	// References lead to files beside the document; its own directory's name stays part of what messages say.
	root := filepath.Dir(filepath.Dir(document))
	name := filepath.ToSlash(filepath.Join(filepath.Base(filepath.Dir(document)), filepath.Base(document)))
	doc, err := asyncapi.Read(os.DirFS(root), name)
	if err != nil {
		return err
	}
	if *goDir != "" {
		if err := writeGo(doc, *goDir, *runtime, *module); err != nil {
			return err
		}
	}
	if *tsFile != "" {
		return write(*tsFile, doc.TypeScript())
	}
	return nil
}

// writeGo writes the Go package and, if asked, the runtime that it needs.
func writeGo(doc *asyncapi.Document, dir, runtime, module string) error {
	if runtime == "copy" {
		if module == "" {
			return errors.New("asyncapi-gen: -runtime copy needs -import")
		}
		runtime = module
		for name, source := range asyncapi.Runtime(module) {
			if err := write(filepath.Join(dir, filepath.FromSlash(name)), source); err != nil {
				return err
			}
		}
	}
	files, err := doc.Go(asyncapi.Options{Package: filepath.Base(dir), Runtime: runtime})
	if err != nil {
		return err
	}
	for name, source := range files {
		if err := write(filepath.Join(dir, name), source); err != nil {
			return err
		}
	}
	return nil
}

func write(name string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, content, 0o644)
}
