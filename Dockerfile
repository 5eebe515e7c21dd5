# gitpod-runner-mock as a container: docker build -t gitpod-runner-mock . && docker run -p 8080:8080 -p 8081:8081 gitpod-runner-mock
# Any Node from 20.19 on a slim Linux will do as its base.
ARG BASE=node:24-slim

FROM ${BASE} AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# Exactly what the lock file says. No package's script has to run.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json LICENSE ./
COPY scripts/bundle.js scripts/page-size.js scripts/snapshot.cjs scripts/
COPY page page
COPY src src
RUN npm run bundle

# By the very Node that it will run on.
FROM ${BASE} AS snapshot
COPY --from=build /build/bundle /app
RUN ["node", "--snapshot-blob", "/app/snapshot.blob", "--build-snapshot", "/app/snapshot.cjs"]

FROM ${BASE}
LABEL org.opencontainers.image.title="gitpod-runner-mock" \
      org.opencontainers.image.description="A mock and reference server for the gitpod.v1.RunnerService API" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=snapshot /app /app
ENV NODE_ENV=production \
    RUNNER_MOCK_HOST=0.0.0.0
# By number, so that a platform that refuses root can tell that it is none.
USER 1000:1000
# The API and the control service.
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
HEALTHCHECK --start-period=2s --interval=3s --timeout=3s --retries=3 CMD ["node", "/app/dist/cli/main.js", "health"]
# The engine has summed up its layers: V8 need not sum up the snapshot once more. What the start makes is not collected.
ENTRYPOINT ["node", "--no-verify-snapshot-checksum", "--min-semi-space-size=16", "--snapshot-blob", "/app/snapshot.blob", "/app/dist/cli/main.js"]
