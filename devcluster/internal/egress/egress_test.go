package egress

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
)

func TestConnect(t *testing.T) {
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	go func() {
		for {
			conn, err := echo.Accept()
			if err != nil {
				return
			}
			_, _ = io.Copy(conn, conn)
			_ = conn.Close()
		}
	}()
	proxy, err := Listen(t.TempDir(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Stop()
	tests := []struct {
		target string
		want   int
	}{
		{echo.Addr().String(), http.StatusOK},
		{"10.96.0.10:443", http.StatusForbidden},
		{"10.244.0.11:8080", http.StatusForbidden},
		{"192.0.2.1:80", http.StatusForbidden},
		{"localhost:80", http.StatusForbidden},
		{"nonsense", http.StatusForbidden},
	}
	for _, test := range tests {
		t.Run(test.target, func(t *testing.T) {
			conn, err := net.Dial("unix", proxy.Socket)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", test.target, test.target)
			reader := bufio.NewReader(conn)
			response, err := http.ReadResponse(reader, &http.Request{Method: http.MethodConnect})
			if err != nil {
				t.Fatal(err)
			}
			if response.StatusCode != test.want {
				t.Fatalf("got %s, want %d", response.Status, test.want)
			}
			if test.want != http.StatusOK {
				return
			}
			fmt.Fprint(conn, "hello\n")
			if line, err := reader.ReadString('\n'); err != nil || line != "hello\n" {
				t.Errorf("got %q, %v through the proxy", line, err)
			}
		})
	}
}
