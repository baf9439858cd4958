// Starts Swagger UI over one of the contracts that the page names: the one that ?urls.primaryName asks for, or the first. Nothing
// is asked of any other origin: no validator, no fonts. Swagger UI's own menu of contracts is not used: it brings inline styles,
// which the page's policy refuses.
"use strict";
(() => {
  const root = document.getElementById("swagger-ui");
  const specs = JSON.parse(root.dataset.specs);
  const asked = new URLSearchParams(location.search).get("urls.primaryName");
  const spec = specs.find(({ name }) => name === asked) ?? specs[0];
  for (const link of document.querySelectorAll(".home .contract")) {
    if (link.textContent === spec.name) link.setAttribute("aria-current", "page");
  }
  // Swagger UI keeps tokens by the name of their scheme, whatever the contract. Here each contract has its own.
  const kept = `authorized at ${spec.url}`;
  localStorage.setItem("authorized", localStorage.getItem(kept) ?? "{}");
  addEventListener("pagehide", () => localStorage.setItem(kept, JSON.stringify(window.ui.authSelectors.authorized())));
  window.ui = SwaggerUIBundle({
    domNode: root,
    url: new URL(spec.url, document.baseURI).href,
    presets: [SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
    validatorUrl: null,
    persistAuthorization: true,
    tryItOutEnabled: true,
    deepLinking: true,
    displayRequestDuration: true,
    displayOperationId: true,
    showCommonExtensions: true,
    filter: true,
    defaultModelsExpandDepth: 0,
  });
})();
