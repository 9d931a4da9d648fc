package api_test

import (
	"context"
	"errors"
	"fmt"

	"parley/api"
)

// Whoever may use the socket can ask. That nobody answers is told apart from
// other errors.
func ExampleClient() {
	c := api.NewClient("/nonexistent/control.sock")
	st, err := c.Status(context.Background())
	switch {
	case errors.Is(err, api.ErrUnreachable):
		fmt.Println(err)
	case err != nil:
		fmt.Println("the node has a problem:", err)
	default:
		fmt.Printf("%d links in, %d out\n", st.Links.In, st.Links.Out)
	}
	// Output: no node answers at /nonexistent/control.sock: connect: no such file or directory
}
