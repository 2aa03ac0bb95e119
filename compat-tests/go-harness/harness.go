// Package harness is what the programs in Go that show a client's features have in common.
//
// usage of such a program: PROGRAM BOOTSTRAP FEATURE...
//
// It runs every named feature, all side by side, and prints a JSON object per line for each when it has ended:
// {"feature": ..., "error": null or the reason} and, where something was stored, {"topic": ...} to look at.
package harness

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	deadline = 25 * time.Second
	// SessionTimeout is the least that group.min.session.timeout.ms lets through by default.
	SessionTimeout = 6 * time.Second
)

// Bootstrap is the broker's host:port.
var Bootstrap string

// A Feature fails by failing its run (see Check and Expect).
type Feature func(r *Run)

// Run is one feature's run: its deadline and what it has to tell.
type Run struct {
	context.Context
	told told
}

// told is what is printed of one feature.
type told struct {
	Feature string  `json:"feature"`
	Error   *string `json:"error"`
	Topic   string  `json:"topic,omitempty"`
	Client  string  `json:"client,omitempty"`
}

// Stored says where the feature left its records.
func (r *Run) Stored(topic string) { r.told.Topic = topic }

// Client says which version the client has.
func (r *Run) Client(version string) { r.told.Client = version }

// failure is what Check and Expect panic with: it ends one feature's run and no other.
type failure string

// Show runs the features that are named, all side by side, and prints how each ended.
func Show(features map[string]Feature, names []string) {
	var printing sync.Mutex
	var running sync.WaitGroup
	for _, name := range names {
		running.Go(func() {
			result := show(features, name)
			printing.Lock()
			defer printing.Unlock()
			Check(json.NewEncoder(os.Stdout).Encode(result))
		})
	}
	running.Wait()
}

func show(features map[string]Feature, name string) (result told) {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	r := &Run{Context: ctx, told: told{Feature: name}}
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

// Version is the feature that tells the version of the module that the program is built with.
func Version(module string) Feature {
	return func(r *Run) {
		info, _ := debug.ReadBuildInfo()
		for _, dependency := range info.Deps {
			if dependency.Path == module {
				r.Client(strings.TrimPrefix(dependency.Version, "v"))
			}
		}
	}
}

// Check ends the feature's run if there is an error.
func Check(err error) {
	if err != nil {
		panic(failure(err.Error()))
	}
}

// Must is the value, if there is no error.
func Must[T any](value T, err error) T {
	Check(err)
	return value
}

// Expect ends the feature's run unless both are the same.
func Expect[T any](actual, expected T, what string) {
	a, e := fmt.Sprintf("%#v", actual), fmt.Sprintf("%#v", expected)
	if a != e {
		panic(failure(fmt.Sprintf("%s: expected %s, got %s", what, e, a)))
	}
}

// Until asks probe until it says yes.
func Until(r *Run, what string, probe func() bool) {
	for !probe() {
		select {
		case <-r.Done():
			panic(failure(what + ": not so within the deadline"))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Unique is a name that no other test and no earlier run has used.
func Unique(name string) string {
	return fmt.Sprintf("%s-%s", name, rand.Text()[:12])
}

// Numbered are the values "message 0", "message 1", ...
func Numbered(count int) []string {
	texts := make([]string, count)
	for index := range texts {
		texts[index] = fmt.Sprint("message ", index)
	}
	return texts
}

// UpTo are the numbers from zero to count-1.
func UpTo[T int | int32 | int64](count T) []T {
	numbers := make([]T, count)
	for index := range numbers {
		numbers[index] = T(index)
	}
	return numbers
}

// Shared tells whether members hold each of partitions 0 to count-1 once, and none holds nothing.
func Shared[T int | int32](count T, members ...[]T) bool {
	var all []T
	for _, held := range members {
		if len(held) == 0 {
			return false
		}
		all = append(all, held...)
	}
	slices.Sort(all)
	return slices.Equal(all, UpTo(count))
}
