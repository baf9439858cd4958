package socketio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/guichet-api/guichet/internal/realtime/socketio"
)

// textSize is the length of the text that each event carries, here and in server.js.
const textSize = 256

// event is what is sent.
type event struct {
	Number int    `json:"number"`
	Text   string `json:"text"`
}

// Serve is the server process: the twin of server.js, until ctx ends.
func Serve(ctx context.Context, addr string) error {
	sockets := socketio.NewServer(socketio.Config{Log: slog.Default()})
	everybody := sockets.Of("/")
	text, sent := strings.Repeat("x", textSize), 0 // the client sends one command at a time
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", sockets)
	mux.HandleFunc("POST /broadcast/{count}", func(w http.ResponseWriter, r *http.Request) {
		count, err := strconv.Atoi(r.PathValue("count"))
		for range count {
			sent++
			err = errors.Join(err, everybody.Emit("news", event{sent, text}))
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("GET /connections", func(w http.ResponseWriter, _ *http.Request) {
		runtime.GC() // twice: finalizers free in the second
		debug.FreeOSMemory()
		fmt.Fprint(w, len(everybody.Sockets()))
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("socketio: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("socketio: %w", err)
	}
	return nil
}
