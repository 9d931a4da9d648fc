package config

import "path/filepath"

// socketName is the file name of the control socket.
const socketName = "control.sock"

// configHome is where the user's configuration is (XDG base directories).
func configHome(env map[string]string) string {
	return xdg(env, "XDG_CONFIG_HOME", ".config")
}

// stateHome is where the user's state is kept.
func stateHome(env map[string]string) string {
	return xdg(env, "XDG_STATE_HOME", ".local", "state")
}

// xdg returns our directory below the one that a variable names, or below its
// fallback in the home directory. A relative path in the variable is to be
// ignored, says the specification. It is empty without a home.
func xdg(env map[string]string, name string, fallback ...string) string {
	if dir := env[name]; filepath.IsAbs(dir) {
		return filepath.Join(dir, "parley")
	}
	home := env["HOME"]
	if home == "" {
		home = env["USERPROFILE"]
	}
	if home == "" {
		return ""
	}
	return filepath.Join(append(append([]string{home}, fallback...), "parley")...)
}
