package portal

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	swagger "github.com/swaggest/swgui/v5/static"

	"github.com/guichet-api/guichet/internal/platform/web"
)

// page is a Swagger UI page. Its links are relative to the page, so that it works below any mount.
type page struct {
	Title string
	Home  string     // link back; "" for none
	Specs []specLink // one: shown; several: a menu
}

// specLink is a contract in the menu of the page.
type specLink struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

// ui is a Swagger UI page and its files. The files are the module's, the page is ours: the module's own has inline scripts,
// which a strict policy refuses.
type ui struct {
	html []byte
	own  fs.FS // our part of the files
}

// newUI renders the page. What differs from page to page is in an attribute: scripts are files, never inline.
func newUI(p page) (*ui, error) {
	tpl, err := template.ParseFS(assets, "assets/docs.html")
	if err != nil {
		return nil, fmt.Errorf("portal.newUI: %w", err)
	}
	specs, err := json.Marshal(p.Specs)
	if err != nil {
		return nil, fmt.Errorf("portal.newUI: %w", err)
	}
	var html bytes.Buffer
	if err := tpl.Execute(&html, struct {
		page
		JSON string
	}{p, string(specs)}); err != nil {
		return nil, fmt.Errorf("portal.newUI: %w", err)
	}
	own, err := fs.Sub(assets, "assets")
	if err != nil {
		return nil, fmt.Errorf("portal.newUI: %w", err)
	}
	return &ui{html: html.Bytes(), own: own}, nil
}

// ServeHTTP answers the page.
func (u *ui) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	securePage(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(u.html))
}

// uiFiles are the files of the page: ours, and those of the Go module.
var uiFiles = map[string]bool{
	"docs.css": true, "docs.js": true,
	"favicon-32x32.png": true, "swagger-ui-bundle.js": true, "swagger-ui.css": true,
}

// files answers the page's files by their bare names.
func (u *ui) files() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.URL.Path
		if name == "" {
			redirect(w, r, "../docs")
			return
		}
		if !uiFiles[name] {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "max-age=3600")
		for _, source := range []fs.FS{u.own, swagger.FS} {
			if content, err := fs.ReadFile(source, name); err == nil {
				http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
				return
			}
		}
		serveCompressed(w, r, name)
	})
}

// serveCompressed answers one of the module's compressed files as it is, and unpacked to the few who cannot.
func serveCompressed(w http.ResponseWriter, r *http.Request, name string) {
	content, err := fs.ReadFile(swagger.FS, name+".gz")
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		if r.Method != http.MethodHead {
			w.Write(content) //nolint:errcheck // the client has gone
		}
		return
	}
	plain, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		panic("portal.serveCompressed: " + err.Error()) // an embedded file
	}
	if r.Method != http.MethodHead {
		io.Copy(w, plain) //nolint:errcheck // the client has gone
	}
}

// Docs puts /docs, /openapi.yaml and, unless events is nil, /asyncapi.yaml before a system's handler. They stay outside of the
// system's router: its routes are exactly its contract's operations. Everything else, other methods on these paths included, is
// the system's.
func Docs(title string, spec, events []byte, system http.Handler) (http.Handler, error) {
	doc, err := newDocument(spec)
	if err != nil {
		return nil, err
	}
	live := system
	if events != nil {
		contract, err := newEventDocument(events)
		if err != nil {
			return nil, err
		}
		live = contract.handler()
	}
	swaggerUI, err := newUI(page{Title: title, Specs: []specLink{{Name: title, URL: "openapi.yaml"}}})
	if err != nil {
		return nil, err
	}
	contract := web.Bounded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*") // a contract is public
		doc.serve(w, web.MountOf(r.Context()))
	}))
	docs, files := web.Bounded(swaggerUI), web.Bounded(http.StripPrefix("/docs/", swaggerUI.files()))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			system.ServeHTTP(w, r)
			return
		}
		switch name, isFile := strings.CutPrefix(r.URL.Path, "/docs/"); {
		case r.URL.Path == "/openapi.yaml":
			contract.ServeHTTP(w, r)
		case r.URL.Path == "/asyncapi.yaml":
			live.ServeHTTP(w, r)
		case r.URL.Path == "/docs":
			docs.ServeHTTP(w, r)
		case isFile && (name == "" || uiFiles[name]):
			files.ServeHTTP(w, r)
		default:
			system.ServeHTTP(w, r)
		}
	}), nil
}
