package config_test

import (
	"fmt"

	"parley/config"
)

// A flag overrides the environment, and what was not set follows the network.
func Example() {
	s, err := config.Load(config.Options{
		Env:   []string{"HOME=/home/me", "PARLEY_NETWORK=test", "PARLEY_INBOUND=12"},
		Flags: []config.Given{{Name: "inbound", Text: "20"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Network, s.Port, s.Origins["port"])
	fmt.Println(s.Inbound, s.Origins["inbound"])

	_, err = config.Load(config.Options{Env: []string{"HOME=/home/me", "PARLEY_PORT=99999"}})
	fmt.Println(err)
	// Output:
	// TEST 8109 default of network TEST
	// 20 flag --inbound
	// port: "99999": want a number from 0 to 65535 (env PARLEY_PORT)
}
