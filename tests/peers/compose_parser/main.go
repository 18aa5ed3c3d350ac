// Reads a Compose file as Docker Compose does, with its own library, and prints what came out as JSON.
// Usage: compose FILE; the environment gives the variables.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	options, err := cli.NewProjectOptions([]string{os.Args[1]}, cli.WithOsEnv)
	if err != nil {
		fail(err)
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		fail(err)
	}
	printed, err := project.MarshalJSON()
	if err != nil {
		fail(err)
	}
	fmt.Println(string(printed))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
