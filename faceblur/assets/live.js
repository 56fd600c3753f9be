// Puts the interactive view in the picture's place. Readers that run no scripts keep the picture.
(function (root, view) {
  root.innerHTML = view;
  for (const inert of root.querySelectorAll("script")) {  // scripts set as HTML do not run by themselves
    const script = document.createElement("script");
    script.textContent = inert.textContent;
    inert.replaceWith(script);
  }
})(document.getElementById("ROOT_ID"), VIEW);
