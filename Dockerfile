# The image of Gatehouse: one static program, the certificates of public authorities, an empty folder for the database.
# No shell, no package manager, no root. docs/deploying.md says how to run it.
#
#   docker build --build-arg VERSION=v0.3.1 --build-arg REVISION=$(git rev-parse HEAD) -t gatehouse .
#
# For a build that others can repeat byte by byte, name the first image by its digest:
#
#   --build-arg GO_IMAGE=golang:1.26.8-bookworm@sha256:…
ARG GO_IMAGE=golang:1.26.8-bookworm

FROM --platform=$BUILDPLATFORM ${GO_IMAGE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG TARGETOS TARGETARCH VERSION=(devel) REVISION=
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false \
      -ldflags "-s -w -X 'main.builtAs=$VERSION' -X 'main.builtFrom=$REVISION'" -o /out/gatehouse ./cmd/gatehouse \
    && go run -buildvcs=false ./scripts/release -licences-of /out/gatehouse > /out/THIRD-PARTY-LICENSES.txt \
    && mkdir -p /out/volume && mkdir -m 0700 /out/volume/data

FROM scratch
ARG VERSION=(devel) REVISION=
LABEL org.opencontainers.image.title="Gatehouse" \
      org.opencontainers.image.description="Signs the users of a web application in and says on every request who is calling" \
      org.opencontainers.image.source="https://github.com/gatehouse-auth/gatehouse" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"

# Traces may go to a collector by https. Time zones are not needed: all times are UTC.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/gatehouse /usr/local/bin/gatehouse
COPY --from=build /out/THIRD-PARTY-LICENSES.txt /usr/share/doc/gatehouse/THIRD-PARTY-LICENSES.txt
COPY LICENSE NOTICE /usr/share/doc/gatehouse/
# /data comes into being with this owner, and a new volume takes it over.
COPY --from=build --chown=65532:65532 /out/volume/ /

ENV GATEHOUSE_LISTEN=:8787 \
    GATEHOUSE_DATABASE_PATH=/data/gatehouse.db
USER 65532:65532
WORKDIR /data
VOLUME ["/data"]
# The ops listener (127.0.0.1:8788) stays inside.
EXPOSE 8787
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 CMD ["/usr/local/bin/gatehouse", "health"]
ENTRYPOINT ["/usr/local/bin/gatehouse"]
CMD ["serve"]
