package pcp

import "strconv"

// Result says how a request went (RFC 6887, 7.4).
type Result uint8

// The results that are acted upon.
const (
	Success            Result = 0
	UnsupportedVersion Result = 1
	NotAuthorized      Result = 2
	UnsupportedOpcode  Result = 4
	NetworkFailure     Result = 7
	NoResources        Result = 8
	AddressMismatch    Result = 12
)

var results = [...]string{
	Success:            "success",
	UnsupportedVersion: "unsupported version",
	NotAuthorized:      "not authorized",
	3:                  "malformed request",
	UnsupportedOpcode:  "unsupported opcode",
	5:                  "unsupported option",
	6:                  "malformed option",
	NetworkFailure:     "network failure",
	NoResources:        "no resources",
	9:                  "unsupported protocol",
	10:                 "quota exceeded",
	11:                 "external port not available",
	AddressMismatch:    "address mismatch: there is another NAT on the way to the gateway",
	13:                 "excessive remote peers",
}

// String returns the result's name in words.
func (r Result) String() string {
	if int(r) < len(results) {
		return results[r]
	}
	return "result " + strconv.Itoa(int(r))
}
