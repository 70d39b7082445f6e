// Package view holds what may be shown of the nouns of package auth: types of
// their own, with members that are picked one by one.
//
// It stands against the row that is encoded whole, and shows a hash, a secret or
// the data of an application on the day somebody adds a column. It imports
// nothing of Gatehouse, so that no member can be of a type that holds one; a test
// goes through every type, and another one wants to know of every member of
// auth.User, auth.Session and auth.APIKey whether it is shown. What fills them is
// views.go at the root.
package view
