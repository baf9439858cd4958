// Command contract-check reads contracts as the server will, and refuses at generation what the server would refuse at start:
// every keyword and extension that nobody would act upon, with file and line. `make generate` runs it before any generator.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/guichet-api/guichet/internal/contract"
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

// run checks each of the files and returns what the process exits with.
func run(files []string, stderr io.Writer) int {
	if len(files) == 0 {
		fmt.Fprintln(stderr, "usage: contract-check <openapi.yaml>…")
		return 2
	}
	var refusals []error
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err == nil {
			_, err = contract.Load(text, file)
		}
		if err != nil {
			refusals = append(refusals, err)
		}
	}
	if len(refusals) > 0 {
		fmt.Fprintln(stderr, errors.Join(refusals...))
		return 1
	}
	return 0
}
