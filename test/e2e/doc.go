// Package e2e drives the built program and the built Next.js example as people
// and attackers do: a real Chromium in front of a real Next.js with the real
// next-auth in front of the real gatehouse on its SQLite file.
//
// It owns no product code. What one room decides is tested beside that room;
// here stands what only the whole can show: that a page is signed in, stays so
// over a restart, and that a session which was ended is ended everywhere.
//
// It needs node, npm and chromium. A missing one skips the tests by its name,
// and fails them where CI=true. Variables:
//
//	GATEHOUSE_BIN          a gatehouse that is built already
//	GATEHOUSE_SCREENSHOTS  a folder for pictures of the hosted pages
//
// Start with accounts_test.go for how a test reads, main_test.go for what runs
// beneath it, tab_test.go for the browser.
package e2e
