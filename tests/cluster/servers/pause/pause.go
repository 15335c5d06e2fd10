// Pause does nothing until it is told to stop. It is the one program in the images that the tests make for themselves:
// the sandbox of every pod, and a container that simply stays up.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM, syscall.SIGINT)
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)
	for {
		select {
		case <-told:
			return
		case <-children:
			// As the first process of a pod that shares its process namespace it inherits the orphans.
			for {
				if child, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err != nil || child <= 0 {
					break
				}
			}
		}
	}
}
