// The native client of the benchmark: each subcommand does one kind of work against a broker and prints one line of
// JSON that tells how much it was and how long it took.
//
// usage: bench-client SUBCOMMAND -brokers ADDRESS [FLAG...]
package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// Each subcommand is in a file of its own.
var subcommands = map[string]func(args []string) error{
	"produce":      produce,
	"consume":      consume,
	"create":       createTopics,
	"delete":       deleteTopics,
	"latency":      latency,
	"transactions": transactions,
	"groups":       groups,
}

func main() {
	if len(os.Args) < 2 || subcommands[os.Args[1]] == nil {
		names := strings.Join(slices.Sorted(maps.Keys(subcommands)), ", ")
		fmt.Fprintln(os.Stderr, "usage: bench-client SUBCOMMAND [FLAG...], where SUBCOMMAND is one of:", names)
		os.Exit(2)
	}
	if err := subcommands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
}
