//go:build unix

package main

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/guichet-api/guichet/internal/testkit"
)

var screenshots = flag.String("screenshots", "", "directory where TestBrowser leaves pictures of the pages")

// TestBrowser has a real browser open the portal, log in through "try it", and use the token, at the portal and at the
// system's own address. It fails on requests to other origins, on violations of the content policy and on console errors:
// see testdata/browser.mjs.
func TestBrowser(t *testing.T) {
	t.Parallel()
	node, chromium := browser(t)
	pictures := *screenshots
	if pictures == "" {
		pictures = t.TempDir()
	}
	s := serve(t, newStateDir(t), nil)
	cmd := exec.CommandContext(t.Context(), node, filepath.Join("testdata", "browser.mjs"), s.portal, s.tiptop, "admin@test.com", "Admin1234",
		chromium, t.TempDir(), pictures)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var seen struct{ Requests int }
	if err := json.Unmarshal(out, &seen); err != nil || seen.Requests < 20 {
		t.Errorf("the walk saw %d requests: %v\n%s", seen.Requests, err, out)
	}
}

// browser finds what drives a real browser, or skips the test.
func browser(t *testing.T) (node, chromium string) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		testkit.Skip(t, "no node here: nothing is tried in a browser")
	}
	if _, err := os.Stat(filepath.Join("..", "..", "node_modules", "playwright-core")); err != nil {
		testkit.Skip(t, "no playwright-core here (npm ci): nothing is tried in a browser")
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return node, path
		}
	}
	testkit.Skip(t, "no chromium here: nothing is tried in a browser")
	return "", ""
}
