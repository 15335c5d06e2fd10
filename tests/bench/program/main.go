// The benchmark's program: a bare server of reviews, a registry, and what calls them.
package main

import (
	"fmt"
	"os"
)

func main() {
	roles := map[string]func([]string) error{"bare": bare, "registry": registry, "load": load}
	if len(os.Args) < 2 || roles[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: bench bare|registry|load [flags]")
		os.Exit(2)
	}
	if err := roles[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
