// Package pages renders the hosted pages: server-made HTML with one stylesheet
// and one small script of our own, no inline style or script, under a strict
// content security policy. They work without JavaScript and load nothing from
// elsewhere.
//
// It owns how things look and read: layout, colours (package theme), languages,
// what a password manager is told. What is shown is decided by the handlers of
// web/authjs and web/portal, which hand it plain data and name texts by their
// Keys. Every value is data to html/template, never markup: a name like <script>
// is shown as typed.
//
// It follows WCAG 2.2 level AA, the autofill tokens of the HTML standard, and
// RFC 4647 and CLDR for languages and plurals, by golang.org/x/text. Start with
// pages.go, then form.go and language.go; the templates are in templates/, the
// texts in languages/, one file for each language.
package pages
