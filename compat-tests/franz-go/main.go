// The features of franz-go, shown one by one.
//
// usage: franz-go BOOTSTRAP FEATURE...
//
// Runs every named feature, all side by side, and prints a JSON object per line for each when it has ended:
// {"feature": ..., "error": null or the reason} and, where something was stored, {"topic": ...} to look at.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"
)

const (
	deadline       = 60 * time.Second
	sessionTimeout = 6 * time.Second
)

var bootstrap string

// told is what is printed of one feature.
type told struct {
	Feature string  `json:"feature"`
	Error   *string `json:"error"`
	Topic   string  `json:"topic,omitempty"`
	Client  string  `json:"client,omitempty"`
}

// A feature fails by failing its run (see check and expect).
type feature func(r *run)

// run is one feature's run: its deadline and what it has to tell.
type run struct {
	context.Context
	told told
}

// failure is what check and expect panic with: it ends one feature's run and no other.
type failure string

var features = map[string]feature{
	"version":                   version,
	"gzip":                      codec("gzip"),
	"snappy":                    codec("snappy"),
	"lz4":                       codec("lz4"),
	"zstd":                      codec("zstd"),
	"headers":                   headers,
	"keys":                      keys,
	"null values":               nullValues,
	"acks 0, 1 and all":         acks,
	"groups with rebalances":    rebalances,
	"cooperative rebalances":    cooperative,
	"static members":            staticMembers,
	"crash and resume":          crashAndResume,
	"seeks":                     seeks,
	"offsets by time":           offsetsByTime,
	"idempotence":               idempotence,
	"transactions":              transactions,
	"offsets in transactions":   offsetsInTransactions,
	"admin: topics":             adminTopics,
	"admin: groups and offsets": adminGroups,
	"admin: configs":            adminConfigs,
	"admin: cluster":            adminCluster,
}

func main() {
	bootstrap = os.Args[1]
	if os.Args[2] == "worker" {
		crashWorker(os.Args[3], os.Args[4])
		return
	}
	var printing sync.Mutex
	var running sync.WaitGroup
	for _, name := range os.Args[2:] {
		running.Go(func() {
			result := show(name)
			printing.Lock()
			defer printing.Unlock()
			if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
				panic(err)
			}
		})
	}
	running.Wait()
}

// show runs one feature to its end.
func show(name string) (result told) {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	r := &run{Context: ctx, told: told{Feature: name}}
	defer func() {
		result = r.told
		if reason := recover(); reason != nil {
			text := fmt.Sprintf("%v\n%s", reason, debug.Stack())
			result.Error = &text
		}
	}()
	shown, known := features[name]
	if !known {
		panic("no such feature")
	}
	shown(r)
	return
}

func version(r *run) {
	info, _ := debug.ReadBuildInfo()
	for _, dependency := range info.Deps {
		if dependency.Path == "github.com/twmb/franz-go" {
			r.told.Client = strings.TrimPrefix(dependency.Version, "v")
		}
	}
}

func check(err error) {
	if err != nil {
		panic(failure(err.Error()))
	}
}

func expect[T any](actual, expected T, what string) {
	a, e := fmt.Sprintf("%#v", actual), fmt.Sprintf("%#v", expected)
	if a != e {
		panic(failure(fmt.Sprintf("%s: expected %s, got %s", what, e, a)))
	}
}

// until asks probe until it says yes; a probe that polls a client waits by itself.
func until(r *run, what string, probe func() bool) {
	for !probe() {
		select {
		case <-r.Done():
			panic(failure(what + ": not so within the deadline"))
		case <-time.After(10 * time.Millisecond):
		}
	}
}
