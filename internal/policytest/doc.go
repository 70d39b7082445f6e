// Package policytest reads and runs the table that a team keeps beside its
// code: this caller, this request, this answer. It is behind "gatehouse policy
// test" and knows neither database nor server: what a role may do comes from
// package rbac, and what a route needs stands in the table itself.
//
// A table is text, one statement a line; what follows a # is a comment:
//
//	route  GET    /orders         permission=orders:read
//	route  DELETE /orders/{id}    permission=orders:delete
//	route  GET    /prices         public
//
//	caller ada    session   roles=editor
//	caller ci     api-key   roles=deployer scopes=orders:read
//
//	nobody        GET /orders          401
//	ada           DELETE /orders/17    200
//	ci            orders:delete        403
//
// Routes are patterns of net/http and are found as http.ServeMux finds them. A
// request is a method with a path, or a permission alone. The answers are those
// of Gatehouse.Require, in its order: 401 for nobody, 403 for somebody who
// lacks what is needed, else 200. A table says nothing of what depends on more
// than who asks for what: cross-site requests, limits, a database that is away.
//
// [Parse] stands against tables that seem to say more than they do: a caller or
// route that is named twice or nowhere, a word that is not understood, a role
// that does not exist are refused with their line, all of them at once. Start
// reading at [Table].
package policytest
