# ottla in a container, in the place of apache/kafka, confluentinc/cp-kafka or bitnami/kafka.
# BASE is any image with Node 20.19 or newer, npm and a POSIX shell.
ARG BASE=node:22-bookworm-slim

FROM ${BASE} AS build
LABEL org.opencontainers.image.title=ottla-build
USER root
WORKDIR /build
COPY package.json package-lock.json ./
# Nothing is compiled: what is native comes ready made, or is left out.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run build && npm prune --omit=dev --ignore-scripts --no-audit --no-fund
# Only the program: the library and its types are for npm. It runs once, since the code that is compiled then is kept
# beside it, where the image's user cannot write.
RUN mkdir -p /image/opt/ottla/dist /image/opt/kafka/bin /image/etc/kafka/docker /image/etc/kafka/secrets \
      /image/etc/confluent/docker /image/mnt/shared/config /image/var/lib/kafka/data /image/usr/local/bin \
      /image/opt/bitnami/kafka /image/opt/bitnami/scripts/kafka \
 && docker/copy-program.sh dist /image/opt/ottla/dist \
 && cp package.json LICENSE NOTICE docker/image.properties /image/opt/ottla/ \
 && mkdir -p /image/opt/ottla/node_modules \
 && if [ -d node_modules/@node-rs ]; then cp -r node_modules/@node-rs /image/opt/ottla/node_modules/; fi \
 && docker/compile-program.sh /image/opt/ottla/dist/cli.cjs \
 && cp docker/kafka/* /image/etc/kafka/docker/ \
 && cp docker/confluent/* /image/etc/confluent/docker/ \
 && cp docker/bin/* /image/opt/kafka/bin/ \
 && cp docker/entrypoint /image/opt/ottla/entrypoint \
 && for script in /image/opt/kafka/bin/*.sh; do \
      name=$(basename "$script"); \
      ln -s "/opt/kafka/bin/$name" "/image/usr/local/bin/$name"; \
      ln -s "/opt/kafka/bin/$name" "/image/usr/local/bin/${name%.sh}"; \
    done \
 && ln -s /opt/ottla/dist/cli.cjs /image/usr/local/bin/ottla \
 && ln -s /opt/kafka/bin /image/opt/bitnami/kafka/bin \
 && ln -s /opt/ottla/entrypoint /image/opt/bitnami/scripts/kafka/entrypoint.sh \
 && ln -s /etc/kafka/docker/run /image/opt/bitnami/scripts/kafka/run.sh \
 && chown -R 1000:0 /image/etc/kafka /image/etc/confluent /image/var/lib/kafka /image/mnt/shared /image/opt/kafka \
 && chmod -R g=u /image/etc/kafka /image/etc/confluent /image/var/lib/kafka /image/opt/kafka

FROM ${BASE}
LABEL org.opencontainers.image.title=ottla \
      org.opencontainers.image.description="A small Kafka broker, in the place of Apache Kafka's images" \
      org.opencontainers.image.licenses=Apache-2.0
COPY --from=build /image/ /
# Scripts that tests put beside the broker write into the working directory.
WORKDIR /opt/kafka
USER 1000
EXPOSE 9092
VOLUME /var/lib/kafka/data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=10s --retries=3 CMD ["ottla", "api-versions", "--check"]
ENTRYPOINT ["/opt/ottla/entrypoint"]
CMD []
