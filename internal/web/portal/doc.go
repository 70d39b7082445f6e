// Package portal holds the hosted pages that are Gatehouse's own and not the
// protocol's: sign-up, the landing page of somebody signed in, changing the
// password, deleting the account, and the step that demands a new password.
// Each form posts back to its own address with the CSRF token, and works
// without JavaScript.
//
// How the pages look is package pages'; what is decided, the rooms'.
package portal
