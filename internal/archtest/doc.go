// Package archtest holds the architecture's rules (ARCHITECTURE.md) as tests: who may import whom, which places every
// system has, and what no file may contain. It reads the tree in process, so that no cached result hides a violation.
package archtest
