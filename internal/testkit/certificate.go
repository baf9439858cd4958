package testkit

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"
)

// Certificate vouches for 127.0.0.1 and for the names it was made for.
type Certificate struct {
	Cert, Key []byte          // PEM
	TLS       tls.Certificate // the same for a server
	Roots     *x509.CertPool  // what a client trusts that trusts nothing else
}

// NewCertificate makes a certificate that signs itself and lasts for 90 days.
func NewCertificate(t testing.TB, names ...string) Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour),
		DNSNames: names, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	made := Certificate{
		Cert:  pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		Key:   pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}),
		Roots: x509.NewCertPool(),
	}
	if made.TLS, err = tls.X509KeyPair(made.Cert, made.Key); err != nil {
		t.Fatal(err)
	}
	if !made.Roots.AppendCertsFromPEM(made.Cert) {
		t.Fatal("the certificate cannot be read back")
	}
	return made
}
