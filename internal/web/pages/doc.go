// Package pages renders the hosted pages: server-made HTML with one stylesheet
// of our own, no script and no inline style, under a strict content security
// policy, so they work without JavaScript and load nothing from elsewhere.
//
// It owns how things look and read; what is shown is decided by the handlers
// of web/authjs and web/portal, which hand it plain data. Every value is data
// to html/template, never markup: a name like <script> is shown as typed.
// Start with pages.go; the templates are in templates/.
package pages
