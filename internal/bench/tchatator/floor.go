package tchatator

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/guichet-api/guichet/internal/platform/pg"
)

// FloorCommand is the word, before a database's address, that makes this program the floor: Floor.
const FloorCommand = "tchatator-floor"

// insert is all that the floor does. The table and its indexes are the product's.
const insert = `INSERT INTO message (sended_date, sender_id, receiver_id, content) VALUES ($1, $2, $3, $4)`

// Floor inserts as many messages as each line of in says, from all connections' goroutines, and writes a line when they are
// stored. It ends with in.
func Floor(ctx context.Context, databaseURL string, in io.Reader, out io.Writer) error {
	pool, err := pg.Pool(ctx, pg.PoolConfig{URL: databaseURL, Schema: schema, MaxConns: poolSize, QueryTimeout: time.Minute})
	if err != nil {
		return err
	}
	defer pool.Close()
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		each, err := strconv.Atoi(lines.Text())
		if err != nil {
			return fmt.Errorf("floor: %w", err)
		}
		failures := make(chan error, connections)
		var group sync.WaitGroup
		for i := range connections {
			group.Go(func() {
				for n := range each {
					if _, err := pool.Exec(ctx, insert, time.Now(), sender(i), receiver(i), content(i, n)); err != nil {
						failures <- err
						return
					}
				}
			})
		}
		group.Wait()
		close(failures)
		if err := <-failures; err != nil {
			return fmt.Errorf("floor: %w", err)
		}
		if _, err := fmt.Fprintln(out, "stored"); err != nil {
			return err
		}
	}
	return lines.Err()
}

// What both sides send: connection i is the user with this number, and writes to its neighbour.
func sender(i int) int64   { return int64(firstUser + i) }
func receiver(i int) int64 { return int64(firstUser + (i+1)%connections) }

// content is a message of an ordinary length.
func content(i, n int) string {
	return fmt.Sprintf("Bonjour %d, voici le message %d. %s", i, n, strings.Repeat("Bla ", 15))
}
