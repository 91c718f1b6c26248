// Command hello answers every request with its pod's message.
package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	fmt.Println("hello is listening")
	err := http.ListenAndServe(":8080", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, os.Getenv("MESSAGE"))
	}))
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
