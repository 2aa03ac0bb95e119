package harness

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
)

const holding = "holding 10"

// CrashedWorker starts this program again as a worker (`PROGRAM BOOTSTRAP ARGS...`), waits until it has called Hold,
// and kills it then.
func CrashedWorker(r *Run, args ...string) {
	worker := exec.CommandContext(r, os.Args[0], append([]string{Bootstrap}, args...)...)
	Must(worker.StdinPipe())
	output := Must(worker.StdoutPipe())
	Check(worker.Start())
	line := Must(bufio.NewReader(output).ReadString('\n'))
	Expect(line, holding+"\n", "the worker")
	Check(worker.Process.Kill())
	Expect(fmt.Sprint(worker.Wait()), "signal: killed", "the worker's end")
}

// Hold says that the worker has come to the message at offset 10, and waits for its end.
func Hold() {
	fmt.Println(holding)
	select {}
}

// EndWithParent ends the worker when nobody holds the other end of its stdin any more.
func EndWithParent() {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
}
