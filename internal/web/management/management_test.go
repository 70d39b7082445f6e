package management_test

import (
	"encoding/json"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/web/webtest"
	"net/http/httptest"
)

func TestDocument_isServed(t *testing.T) {
	s := webtest.New(t, nil)
	w := httptest.NewRecorder()
	s.ManagementHandler().ServeHTTP(w, httptest.NewRequest("GET", "/api/v1/openapi.json", nil))
	var doc map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || w.Code != 200 {
		t.Fatal(w.Code, w.Body, err)
	}
	w = httptest.NewRecorder()
	s.ManagementHandler().ServeHTTP(w, httptest.NewRequest("GET", "/api/v1/users", nil))
	t.Log(w.Code, w.Header(), w.Body)
}
