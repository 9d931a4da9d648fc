// Package nat asks the gateway of a home network to let peers in. It speaks PCP
// (RFC 6887), NAT-PMP (RFC 6886) and UPnP IGD 1 and 2.
//
// A [Mapper] keeps one port mapped for as long as its Run lasts: it finds a
// gateway, maps the port, renews the mapping before half of its lifetime is
// over, maps anew when the gateway lost its state or changed its address, and
// removes the mapping in the end. It never keeps its program from starting:
// until there is a mapping, nothing is reported, and errors are retried.
//
// [Probe] looks for gateways of every protocol side by side, tries a mapping
// through each, and reports what it found, for people to read.
//
// Everything heard from the network is bounded and taken for hostile: a UPnP
// gateway must describe itself under the address it answered from, descriptions
// and answers are limited to 256 KiB, and redirections are not followed.
//
// Only IPv4 is mapped. Announcements that gateways multicast when they restart
// are not listened for, since that needs a fixed port; a look at the gateway
// every two minutes serves the same end.
package nat
