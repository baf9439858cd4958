// Starts Swagger UI over the contracts that the page names. Nothing is asked of any other origin: no validator, no fonts.
"use strict";
(() => {
  const root = document.getElementById("swagger-ui");
  const specs = JSON.parse(root.dataset.specs).map(({ name, url }) => ({ name, url: new URL(url, document.baseURI).href }));
  const several = specs.length > 1;
  window.ui = SwaggerUIBundle({
    domNode: root,
    ...(several ? { urls: specs } : { url: specs[0].url }),
    presets: [SwaggerUIBundle.presets.apis, ...(several ? [SwaggerUIStandalonePreset] : [])],
    layout: several ? "StandaloneLayout" : "BaseLayout",
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
