// Clients in Go against a broker: go_clients CLIENT CHECK ADDRESS TOPIC. A check that fails ends the program with what
// was wrong and exit status 1.
package main

import (
	"fmt"
	"os"
	"time"
)

// A check gets the broker's address and the name of a topic that is its own and not yet there.
type check func(address, topic string)

var clients = map[string]map[string]check{
	"franz-go":  franzChecks,
	"sarama":    saramaChecks,
	"segmentio": segmentioChecks,
}

// What the checks of every client send.
const (
	partitionCount = 2
	recordCount    = 100
)

var timeout = 30 * time.Second

func value(codec string, i int) string { return fmt.Sprintf("%s value %d", codec, i) }
func key(i int) string                 { return fmt.Sprintf("key %d", i) }

func fail(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", arguments...)
	os.Exit(1)
}

func must(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func require(ok bool, format string, arguments ...any) {
	if !ok {
		fail(format, arguments...)
	}
}

func main() {
	if len(os.Args) != 5 {
		fail("usage: go_clients CLIENT CHECK ADDRESS TOPIC")
	}
	run, known := clients[os.Args[1]][os.Args[2]]
	require(known, "no check %q of client %q", os.Args[2], os.Args[1])
	run(os.Args[3], os.Args[4])
}
